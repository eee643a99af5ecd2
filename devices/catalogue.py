"""The catalogue: one TOML file a class, and tenants' own; a bad row is refused at start: file, line, reason."""

from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path

from devices import class_file, own_file
from devices.errors import BadRow, CatalogueError
from devices.model import Catalogue
from devices.rows import File

_OF_A_CLASS = {"class_id", "cadence_s", "families"}  # at the top of a file: it is a class, and no tenant's own


def load(files: Iterable[Path] | None = None, own: Path | None = None, tenant_id: str = "") -> Catalogue:
    """The classes of the package, or of `files`, with what a house adds: `own` is a file, or a folder of them, each a
    class or a tenant's own; `tenant_id` is whose it is if it does not say so. Raises CatalogueError."""
    classes, added = _sorted(map(File, [] if own is None else _files_of(own)))
    catalogue, faults = _look([*map(File, _package() if files is None else files), *classes], added, tenant_id)
    if faults:
        raise CatalogueError(faults)
    return catalogue


def check(paths: Iterable[Path]) -> list[BadRow]:
    """What is wrong with these files, classes or tenants' own, beside the rest of the package."""
    classes, added = _sorted(map(File, paths))
    meant = {file.table.get("class_id") for file in classes}
    named = {file.path.resolve() for file in (*classes, *added)}
    package = [File(path) for path in _package() if path.resolve() not in named]
    rest = [file for file in package if file.table.get("class_id") not in meant]
    return _look([*rest, *classes], added, "")[1]


def _sorted(files: Iterable[File]) -> tuple[Sequence[File], Sequence[File]]:
    """Classes, and what tenants add to them."""
    classes: list[File] = []
    added: list[File] = []
    for file in files:
        (classes if _OF_A_CLASS & file.table.keys() else added).append(file)
    return classes, added


def _package() -> list[Path]:
    return sorted(Path(str(resources.files("devices") / "classes")).glob("*.toml"))


def _files_of(own: Path) -> list[Path]:
    return sorted(own.glob("*.toml")) if own.is_dir() else [own]


def _look(classes: Iterable[File], own: Iterable[File], tenant_id: str) -> tuple[Catalogue, list[BadRow]]:
    """What is good, and what is wrong."""
    catalogue: Catalogue = {}
    faults: list[BadRow] = []
    gtins: dict[str, str] = {}
    for file in classes:
        appliance = class_file.read(file)
        if appliance is not None and appliance.class_id in catalogue:
            file.refuse(("class_id",), f"there is another class {appliance.class_id!r}")
        elif appliance is not None:
            catalogue[appliance.class_id] = appliance
            _once(file, gtins)
        faults += file.faults
    for file in own:
        catalogue = own_file.read(file, catalogue, tenant_id)
        _once(file, gtins)
        faults += file.faults
    return catalogue, faults


def _once(file: File, gtins: dict[str, str]) -> None:
    """A GTIN is one model's; a tenant may repeat it where it says more of the same model."""
    for i, row in enumerate(file.table.get("models", []) if not file.faults else []):
        gtin, model = row.get("gtin", "").zfill(14), row["model"]
        if "gtin" in row and gtins.setdefault(gtin, model) != model:
            file.refuse(("models", i, "gtin"), f"gtin {row['gtin']} is that of model {gtins[gtin]!r} already")
