"""Commands with a real language model: a small one, on llama.cpp's own server.

What it answers is of no use. Only the form is tested: exit codes, records, limits.
"""
