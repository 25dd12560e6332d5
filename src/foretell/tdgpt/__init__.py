"""The analytics node: TDgpt's endpoints over our engine, its plugins and its model servers."""
