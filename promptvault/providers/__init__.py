"""Language models behind HTTP; the only place that imports `openai`."""
