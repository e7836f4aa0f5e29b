"""What people see: views, templates, the site writer and the site itself."""
