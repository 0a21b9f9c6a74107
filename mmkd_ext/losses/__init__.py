"""Losses between a student and a teacher: pure functions and thin registered modules. Needs torch and the registry only."""

from .base import ClassMeansLoss, DistillationLoss
from .crosskd_loss import CrossKDLoss, crosskd_loss
from .cwd_loss import CWDLoss, cwd_loss
from .dist_loss import DISTLoss, dist_loss
from .dkd_loss import DKDLoss, dkd_loss
from .dskd_head import DSKDHead
from .dskd_loss import layer_kd_losses, layer_map_losses
from .embedding_loss import EmbeddingLoss, embedding_loss
from .hard_kd_loss import HardKDLoss, hard_kd_loss
from .kd_loss import KDLoss, binary_kd_loss, kd_loss
from .layer_weights import loss_based_weights
from .ld_loss import LDLoss, ld_loss
from .map_loss import MapLoss, map_loss
from .mgd_loss import MGDLoss, mgd_loss
from .mutual_learning_loss import MutualLearningLoss, mutual_learning_loss
from .nd_loss import NDLoss, nd_loss
from .pkd_loss import PKDLoss, pkd_loss
from .reviewkd_loss import ReviewKDLoss, hcl_loss
from .reviewkd_neck import ReviewKDNeck
from .teskd_loss import teskd_feature_loss, teskd_kl
from .ttm_loss import TTMLoss, ttm_loss
from .vkd_loss import VkDLoss, vkd_loss

__all__ = [
    'CWDLoss',
    'ClassMeansLoss',
    'CrossKDLoss',
    'DISTLoss',
    'DKDLoss',
    'DSKDHead',
    'DistillationLoss',
    'EmbeddingLoss',
    'HardKDLoss',
    'KDLoss',
    'LDLoss',
    'MGDLoss',
    'MapLoss',
    'MutualLearningLoss',
    'NDLoss',
    'PKDLoss',
    'ReviewKDLoss',
    'ReviewKDNeck',
    'TTMLoss',
    'VkDLoss',
    'binary_kd_loss',
    'crosskd_loss',
    'cwd_loss',
    'dist_loss',
    'dkd_loss',
    'embedding_loss',
    'hard_kd_loss',
    'hcl_loss',
    'kd_loss',
    'layer_kd_losses',
    'layer_map_losses',
    'ld_loss',
    'loss_based_weights',
    'map_loss',
    'mgd_loss',
    'mutual_learning_loss',
    'nd_loss',
    'pkd_loss',
    'teskd_feature_loss',
    'teskd_kl',
    'ttm_loss',
    'vkd_loss',
]
