"""Both sides of the content: the folder of files and the site, and moving content between them."""
