"""Where objects live. `base` is the interface, `named_queries` reads `.sql` files, and each
folder is one engine of the same shape. `open_storage` picks the engine by its URL."""
