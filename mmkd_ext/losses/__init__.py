"""What is minimised: pure functions and thin registered modules. Needs torch and the registry only."""

from .teskd_loss import teskd_feature_loss, teskd_kl

__all__ = ['teskd_feature_loss', 'teskd_kl']
