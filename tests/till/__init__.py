"""A stand-in for Stripe, at the protocol: what is not ours to run.

`python -m tests.till --port N [--webhook URL --secret whsec_…]` starts it alone, and
prints its address, its secret key and the ids of its prices as JSON.

It has the API that the server uses, pages to pay and to manage a subscription, a clock
that can be advanced, and deliveries of events that can go wrong.
"""
