"""Pages to sign up, sign in, approve devices, and manage an account.

They need no JavaScript.
"""
