"""`manage.py seed_listings`: the sample homes, the same ones every time."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from assistant.models import Listing
from assistant.replies.seed import generate_listings

LISTINGS = 240  # every place, to rent and for sale, with 1 to 3 bedrooms


class Command(BaseCommand):
    help = "Put the sample listings into the database. Run again, it updates them and adds none twice."

    def handle(self, *_: Any, **__: Any) -> None:
        rows = [Listing(**asdict(listing)) for listing in generate_listings(LISTINGS)]
        fields = [field.name for field in Listing._meta.fields if not field.primary_key]
        Listing.objects.bulk_create(rows, update_conflicts=True, unique_fields=["reference"], update_fields=fields)
        self.stdout.write(f"{len(rows)} listings")
