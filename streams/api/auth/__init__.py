"""Who may do what: tokens, voter cookies, origins and limits."""
