"""JSON rows of settings."""

from promptvault.cli.rows.prompts import Row
from promptvault.config import Setting, SettingSource


def setting_row(setting: Setting) -> Row:
    """Return a setting as `config list --json` prints it; a secret stays hidden."""
    return {
        "key": setting.key.name,
        "value": setting.shown,
        "is_set": setting.source is not SettingSource.DEFAULT,
        "from": setting.source.value,
        "default": setting.key.default,
        "variable": setting.key.variable,
        "help": setting.key.help,
    }
