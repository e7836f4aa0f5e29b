"""Subscribers of the digests, and the addresses that get no mail.

`verdicts.subscribers`, a row per address that its owner confirmed:

| column | type | holds |
|---|---|---|
| `id` | 16 characters of `a-z2-7` | a keyed hash of `canonical`, also of a later row |
| `address` | text | as its owner typed it |
| `canonical` | text, unique | equal addresses are equal here: lower case, domain in ASCII |
| `frequency` | `weekly`, `monthly` | how often |
| `topics` | text[] | slugs of categories; empty: all |
| `timezone` | text | an IANA name such as `Europe/Berlin` |
| `paused_until` | date | no mail before this day in the subscriber's time zone; null: not paused |
| `requested` | timestamptz | when the owner asked, or gave consent elsewhere (imports) |
| `confirmed` | timestamptz | when the owner confirmed; for imports the same as `requested` |
| `consent_source` | text | where consent was given: `website`, or what an import says |
| `unsubscribed` | timestamptz | null while subscribed |
| `soft_bounces` | integer | issues in a row that bounced softly; the mailer counts |

`verdicts.suppressions` (`id`, `reason`, `source`, `since`) has the ids that get no mail, also after
their rows in `subscribers` are gone. A subscriber gets an issue when `unsubscribed` is null, no
pause covers the day, and no suppression has the id.
"""
