"""Numbers of parameters by arithmetic: of ResNet, SE-ResNet and ResNeXt behind the CIFAR stem."""

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}


def se_parameters(channels: int) -> int:
    """Two 1x1 convolutions with bias, through a sixteenth of the channels, but 8 or more."""
    squeezed = max(channels // 16, 8)
    return channels * squeezed + squeezed + squeezed * channels + channels


def expected_parameters(kind: str, depth: int, base: int = 64) -> int:
    """Convolutions without bias, two parameters per normalised channel, a projection where the shape changes."""
    total, inputs = 3 * base * 9 + 2 * base, base
    for stage, blocks in enumerate(BLOCKS[depth]):
        width = base * 2**stage
        outputs = width if depth < 50 else 4 * width
        for block in range(blocks):
            if depth < 50:
                inner = 2 * width if kind == 'ResNeXt' else width
                total += inputs * inner * 9 + 2 * inner + inner * outputs * 9 + 2 * outputs
            else:
                # 32 groups of 4 channels in the first stage, twice as wide in each later one.
                inner, groups = (32 * 4 * 2**stage, 32) if kind == 'ResNeXt' else (width, 1)
                total += inputs * inner + inner * (inner // groups) * 9 + inner * outputs + 2 * (2 * inner + outputs)
            if kind == 'SE-ResNet':
                total += se_parameters(outputs)
            if block == 0 and (stage or inputs != outputs):
                total += inputs * outputs + 2 * outputs
            inputs = outputs
    return total
