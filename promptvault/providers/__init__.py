"""Language models over HTTP; the only package that imports `openai`."""
