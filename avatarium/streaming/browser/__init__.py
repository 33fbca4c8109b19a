"""What browsers get from us: the drop-in module, the demo page, the page that tests a visitor's network."""
