"""Homes to rent or buy."""

from typing import ClassVar

from django.db import models


class Listing(models.Model):
    """A home to rent or buy."""

    reference = models.CharField(primary_key=True, max_length=32)
    title = models.CharField(max_length=120)
    place = models.CharField(max_length=32)
    kind = models.CharField(max_length=16)
    tenure = models.CharField(max_length=8)
    bedrooms = models.PositiveSmallIntegerField()
    price_gbp = models.PositiveIntegerField(help_text="A month's rent, or the price, in whole pounds.")
    area_m2 = models.PositiveIntegerField()
    furnished = models.BooleanField()
    description = models.TextField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["tenure", "place", "bedrooms"], name="listing_search")]

    def __str__(self) -> str:
        return f"{self.reference} {self.title}"
