"""Bearer tokens, voter cookies, request origins and limits."""
