"""Pictures that a site needs besides its pages: icons and social cards."""
