"""How cardctl speaks: streams, envelopes, tables, progress. Nothing here knows where the data came from."""
