"""The pages in a real browser, with a person before it."""
