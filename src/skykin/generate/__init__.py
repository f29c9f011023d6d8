"""Pictures made from style: transfers, textures, layers one by one; the only folder that uses PyTorch."""
