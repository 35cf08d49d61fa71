"""The objects of Stripe's API that the stand-in serves, with all their keys.

The names are those of Stripe's published fixtures (stripe-mock, `fixtures3.json` of
2025-11), without `invoice.subscription`, which newer versions do not have. Values that
nothing here is about are null.
"""

from typing import Any

Object = dict[str, Any]

_KEYS = {
    "customer": """
        address balance created currency default_source delinquent description
        discount email id invoice_prefix invoice_settings livemode metadata name
        next_invoice_sequence object phone preferred_locales shipping tax_exempt
        test_clock
    """,
    "price": """
        active billing_scheme created currency custom_unit_amount id livemode
        lookup_key metadata nickname object product recurring tax_behavior tiers_mode
        transform_quantity type unit_amount unit_amount_decimal
    """,
    "checkout.session": """
        adaptive_pricing after_expiration allow_promotion_codes amount_subtotal
        amount_total automatic_tax billing_address_collection cancel_url
        client_reference_id client_secret collected_information consent
        consent_collection created currency currency_conversion custom_fields
        custom_text customer customer_creation customer_details customer_email
        discounts expires_at id invoice invoice_creation livemode locale metadata mode
        object origin_context payment_intent payment_link payment_method_collection
        payment_method_configuration_details payment_method_options
        payment_method_types payment_status permissions phone_number_collection
        recovered_from saved_payment_method_options setup_intent
        shipping_address_collection shipping_cost shipping_options status submit_type
        subscription success_url total_details ui_mode url wallet_options
    """,
    "subscription": """
        application application_fee_percent automatic_tax billing_cycle_anchor
        billing_cycle_anchor_config billing_mode billing_thresholds cancel_at
        cancel_at_period_end canceled_at cancellation_details collection_method
        created currency customer days_until_due default_payment_method default_source
        default_tax_rates description discounts ended_at id invoice_settings items
        latest_invoice livemode metadata next_pending_invoice_item_invoice object
        on_behalf_of pause_collection payment_settings pending_invoice_item_interval
        pending_setup_intent pending_update schedule start_date status test_clock
        transfer_data trial_end trial_settings trial_start
    """,
    "subscription_item": """
        billing_thresholds created current_period_end current_period_start discounts
        id metadata object plan price quantity subscription tax_rates
    """,
    "invoice": """
        account_country account_name account_tax_ids amount_due amount_overpaid
        amount_paid amount_remaining amount_shipping application attempt_count
        attempted auto_advance automatic_tax automatically_finalizes_at billing_reason
        collection_method created currency custom_fields customer customer_address
        customer_email customer_name customer_phone customer_shipping
        customer_tax_exempt customer_tax_ids default_payment_method default_source
        default_tax_rates description discounts due_date effective_at ending_balance
        footer from_invoice hosted_invoice_url id invoice_pdf issuer
        last_finalization_error latest_revision lines livemode metadata
        next_payment_attempt number object on_behalf_of parent payment_settings
        period_end period_start post_payment_credit_notes_amount
        pre_payment_credit_notes_amount receipt_number rendering shipping_cost
        shipping_details starting_balance statement_descriptor status
        status_transitions subtotal subtotal_excluding_tax test_clock total
        total_discount_amounts total_excluding_tax total_pretax_credit_amounts
        total_taxes webhooks_delivered_at
    """,
    "event": """
        api_version created data id livemode object pending_webhooks request type
    """,
    "billing_portal.session": """
        configuration created customer flow id livemode locale object on_behalf_of
        return_url url
    """,
    "webhook_endpoint": """
        api_version application created description enabled_events id livemode
        metadata object status url
    """,
}
KEYS = {name: frozenset(keys.split()) for name, keys in _KEYS.items()}


def make(name: str, **values: Any) -> Object:
    """Return an object with all keys of its kind; raise ValueError for another key."""
    if unknown := values.keys() - KEYS[name]:
        raise ValueError(f"no keys of {name}: {unknown}")
    known: Object = {"object": name, "livemode": False, "metadata": {}}
    empty = {key: known.get(key) for key in sorted(KEYS[name])}
    return empty | values


def make_list(items: list[Object], url: str, *, has_more: bool = False) -> Object:
    """Return a page of a list."""
    return {"object": "list", "data": items, "has_more": has_more, "url": url}
