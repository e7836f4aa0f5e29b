"""One mail to one mail server: connections, outcomes, the journal, signatures and rates."""
