"""Pictures made from style: transfers, textures, and layers laid open; the only folder that uses PyTorch."""
