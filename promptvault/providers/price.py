"""Prices of models, from the list of `genai-prices`."""

import contextlib

from genai_prices import Usage, calc_price
from genai_prices.types import PriceCalculation

from promptvault.domain.chat import Price
from promptvault.providers.endpoint import Endpoint

# Prices can depend on the length of a request; that of a typical one is used.
_USUAL = Usage(input_tokens=1_000, output_tokens=1_000)
_PER_MILLION = 1_000


def find_price(endpoint: Endpoint) -> Price | None:
    """Return the price of the endpoint's model, None if the list does not have it.

    An unknown server may be a gateway to OpenAI, so the names of OpenAI's models have a
    price there as well. Any other model on this computer costs nothing.
    """
    model, url = endpoint.model, endpoint.base_url
    if not endpoint.is_local:  # saves 12 ms for servers that no list has
        with contextlib.suppress(LookupError):
            return _price(calc_price(_USUAL, model, provider_api_url=url))
    with contextlib.suppress(LookupError):
        return _price(calc_price(_USUAL, model, provider_id="openai"))
    return Price(0, 0) if endpoint.is_local else None


def _price(found: PriceCalculation) -> Price:
    return Price(
        float(found.input_price) * _PER_MILLION,
        float(found.output_price) * _PER_MILLION,
    )
