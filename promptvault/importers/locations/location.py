"""A location of a tool's data, and the folders that it depends on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class System(StrEnum):
    """The families of operating systems that store settings alike."""

    LINUX = "linux"
    MACOS = "macos"
    WINDOWS = "windows"

    @classmethod
    def of(cls, platform: str) -> "System":
        """Return the family for a value of `sys.platform`."""
        if platform == "darwin":
            return cls.MACOS
        return cls.WINDOWS if platform in {"win32", "cygwin"} else cls.LINUX


@dataclass(frozen=True, slots=True)
class ToolLocation:
    """A file or folder in which a tool stores prompts."""

    source: str
    title: str
    path: Path
    pattern: str = ""
    """Glob of what to import below *path*; '' is *path* itself."""
    endings: tuple[str, ...] = ()
    """Endings of the names of files with prompts; () is any file."""


_EDITORS = {
    "Code": "VS Code",
    "Code - Insiders": "VS Code Insiders",
    "Code - OSS": "Code OSS",
    "VSCodium": "VSCodium",
    "Cursor": "Cursor",
    "Windsurf": "Windsurf",
}
_SERVERS = {
    ".vscode-server": "VS Code Server",
    ".vscode-server-insiders": "VS Code Insiders Server",
    ".cursor-server": "Cursor Server",
    ".windsurf-server": "Windsurf Server",
}
_SANDBOXES = {
    ".var/app/com.visualstudio.code/config/Code": "VS Code (Flatpak)",
    ".var/app/com.vscodium.codium/config/VSCodium": "VSCodium (Flatpak)",
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The computer on which tools are looked for."""

    system: System
    home: Path
    environment: Mapping[str, str]

    def moved(self, variable: str, default: Path) -> Path:
        """Return the folder that *variable* names, else *default*."""
        value = self.environment.get(variable)
        if not value:
            return default
        if value == "~" or value.startswith("~/"):
            return self.home / value[2:]
        return Path(value)

    @property
    def config(self) -> Path:
        """The folder in which programs store their settings."""
        if self.system is System.WINDOWS:
            return self.moved("APPDATA", self.home / "AppData" / "Roaming")
        if self.system is System.MACOS:
            return self.home / "Library" / "Application Support"
        return self.moved("XDG_CONFIG_HOME", self.home / ".config")

    @property
    def unix_data(self) -> Path:
        """The folder for data of programs that follow XDG on every system."""
        return self.moved("XDG_DATA_HOME", self.home / ".local" / "share")

    @property
    def windows_local(self) -> Path:
        """The folder for data of programs on Windows that stays on the computer."""
        return self.moved("LOCALAPPDATA", self.home / "AppData" / "Local")

    def editors(self) -> Iterator[tuple[str, Path]]:
        """Yield the title and the user folder of VS Code and its forks."""
        for name, title in _EDITORS.items():
            yield title, self.config / name / "User"
        if self.system is System.LINUX:
            for name, title in _SERVERS.items():
                yield title, self.home / name / "data" / "User"
            for name, title in _SANDBOXES.items():
                yield title, self.home / name / "User"
