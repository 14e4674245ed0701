"""Secrets in names, values and arguments: how they are recognised, and how they are shown."""

from guildnet.sensitive.masking import MASK, masked_arguments, without_passwords
from guildnet.sensitive.recognition import is_secret, is_secret_name, is_secret_value

__all__ = ["MASK", "is_secret", "is_secret_name", "is_secret_value", "masked_arguments", "without_passwords"]
