"""Kvasir-SEG's polyps at 192 px for a CPU: data, budget and teacher of the studies, which share one folder."""

study = dict(
    folder='polyps',
    metric='coco/bbox_mAP',
    unit='percent',
    seeds=[0, 1, 2],
    options={'default_hooks.channels_last': dict(type='mmkd_ext.ChannelsLastHook')},
    teachers=dict(lite0=dict(
        config='configs/nd_loss_det/teacher_lite0_polyps_192.py',
        options={
            'optim_wrapper.type': 'AmpOptimWrapper',
            'default_hooks.channels_last': dict(type='mmkd_ext.ChannelsLastHook'),
        })),
    also={'AP50': ['coco/bbox_mAP_50']})
