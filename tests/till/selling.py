"""The settings of a server that sells plans at a stand-in."""

from typing import Any

from promptvault.server.billing.settings import BillingSettings
from tests.till.app import SECRET_KEY
from tests.till.books import PRICES

SECRET = "whsec_of_the_tests"
SOLD = ",".join(f"{id}={name}" for name, (id, _, _) in PRICES.items())


def selling(address: str) -> dict[str, Any]:
    """Return the settings for the stand-in at an address, which sells all prices."""
    sold = BillingSettings.model_validate(
        {
            "stripe_secret_key": SECRET_KEY,
            "stripe_webhook_secret": SECRET,
            "stripe_prices": SOLD,
            "stripe_api_url": address,
        }
    )
    return dict(sold)
