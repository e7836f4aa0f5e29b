"""Content as files: Markdown with front matter, its checks, and the events that it becomes. Pure.

A file's path names what it describes: `categories/{slug}.md`, `tools/{slug}.md`,
`reviewers/{slug}.md`, `reviews/{tool}/{reviewer}.md`. The keys of its front matter are the fields
of the events, and the text below is the `description` or the review's `body`.
"""
