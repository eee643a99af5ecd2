"""The catalogue of this house: the package's classes, and what FOREMEND_CATALOGUE adds to them."""

from api.settings import Settings
from devices import catalogue
from devices.model import Catalogue


def of(settings: Settings) -> Catalogue:
    """Raises CatalogueError: nothing starts with a bad row."""
    return catalogue.load(own=settings.catalogue, tenant_id=settings.tenant)
