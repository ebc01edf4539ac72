-- SPDX-License-Identifier: Apache-2.0
-- What was known of the signer's certificate when a message was taken: later its certificate may be revoked, and the
-- message stays valid.

ALTER TABLE message ADD COLUMN standing TEXT NOT NULL DEFAULT '';          -- listed, off, good, stale, unknown; '' before there was this
ALTER TABLE message ADD COLUMN standing_source TEXT NOT NULL DEFAULT '';   -- crl, ocsp
ALTER TABLE message ADD COLUMN standing_as_of_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN standing_us INTEGER NOT NULL DEFAULT 0;     -- when it was judged
