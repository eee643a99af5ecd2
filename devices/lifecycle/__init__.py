"""A device's life: what may follow what, who moves it, and who owned it when."""
