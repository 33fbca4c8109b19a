"""Every voice of the list: how loud, how well understood, how exactly as fast as asked, and a sample of each."""
