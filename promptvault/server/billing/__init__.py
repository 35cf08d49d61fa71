"""Plans that people buy at Stripe, and what an account may use by them.

What Stripe sends is taken as a hint that something has changed. Truth is what is then
fetched, and the plan follows from it alone: `domain.entitlement`.
"""
