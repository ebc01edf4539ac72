-- SPDX-License-Identifier: Apache-2.0
-- The store of a node, first version. The number of a row is its place in the order of arrival: never used twice.

CREATE TABLE message (
	seq INTEGER PRIMARY KEY AUTOINCREMENT,
	id BLOB NOT NULL UNIQUE,                -- UUID, 16 bytes
	seal_digest BLOB NOT NULL,
	kind TEXT NOT NULL,
	status TEXT NOT NULL,
	operation TEXT NOT NULL,
	originator TEXT NOT NULL,
	sequence INTEGER NOT NULL,
	issued_us INTEGER NOT NULL,
	expires_us INTEGER NOT NULL,            -- 0: never
	stored_us INTEGER NOT NULL,
	priority INTEGER NOT NULL,
	source TEXT NOT NULL,                   -- the peer it came from first, '' our own
	hops INTEGER NOT NULL,
	trail TEXT NOT NULL,
	for_inbox INTEGER NOT NULL,
	complete INTEGER NOT NULL,              -- every attachment is here
	wire BLOB NOT NULL
);
CREATE INDEX message_outbox ON message (seq) WHERE source = '';
CREATE INDEX message_transit ON message (seq) WHERE source <> '' AND for_inbox = 0;
CREATE INDEX message_expiry ON message (expires_us) WHERE expires_us > 0;

-- Every peer that handed the message over: receipts travel back to each.
CREATE TABLE message_source (
	message INTEGER NOT NULL REFERENCES message (seq),
	peer TEXT NOT NULL,
	PRIMARY KEY (message, peer)
) WITHOUT ROWID;

-- The inbox in the order in which messages became visible.
CREATE TABLE inbox (
	seq INTEGER PRIMARY KEY AUTOINCREMENT,
	message INTEGER NOT NULL UNIQUE REFERENCES message (seq),
	read_us INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX inbox_unread ON inbox (seq) WHERE read_us = 0;

-- state is enum store_state: 1 held, 2 queued, 3 sent, 4 relayed, 5 stored, 6 read, 7 rejected, 8 expired
CREATE TABLE delivery (
	message INTEGER NOT NULL REFERENCES message (seq),
	recipient TEXT NOT NULL,
	hop TEXT NOT NULL,
	priority INTEGER NOT NULL,
	state INTEGER NOT NULL,
	queued_us INTEGER NOT NULL,
	updated_us INTEGER NOT NULL,
	code TEXT NOT NULL DEFAULT '',
	text TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (message, recipient)
) WITHOUT ROWID;
-- What still has to be sent: small whatever the history.
CREATE INDEX delivery_due ON delivery (hop, priority, message) WHERE state IN (2, 3);
CREATE INDEX delivery_open ON delivery (recipient, message) WHERE state IN (1, 2, 3);

CREATE TABLE receipt (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	message BLOB NOT NULL,
	signer TEXT NOT NULL,
	stage INTEGER NOT NULL,
	statement BLOB NOT NULL,                -- digest of what it states, time and signature aside
	time_us INTEGER NOT NULL,
	bytes BLOB NOT NULL,
	UNIQUE (message, signer, stage, statement)
);
CREATE TABLE receipt_queue (
	peer TEXT NOT NULL,
	receipt INTEGER NOT NULL REFERENCES receipt (id),
	PRIMARY KEY (peer, receipt)
) WITHOUT ROWID;

CREATE TABLE attachment (
	message INTEGER NOT NULL REFERENCES message (seq),
	position INTEGER NOT NULL,
	digest BLOB NOT NULL,
	size INTEGER NOT NULL,
	name TEXT NOT NULL,
	media_type TEXT NOT NULL,
	here INTEGER NOT NULL,
	PRIMARY KEY (message, position)
) WITHOUT ROWID;
CREATE INDEX attachment_digest ON attachment (digest);
-- Bytes still to be asked for, and whom to ask.
CREATE TABLE fetch (
	peer TEXT NOT NULL,
	digest BLOB NOT NULL,
	size INTEGER NOT NULL,
	failed_us INTEGER NOT NULL DEFAULT 0,
	why TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (peer, digest)
) WITHOUT ROWID;

CREATE TABLE chain (
	operation TEXT NOT NULL,
	originator TEXT NOT NULL,
	sequence INTEGER NOT NULL,
	digest BLOB NOT NULL,
	PRIMARY KEY (operation, originator)
) WITHOUT ROWID;

CREATE TABLE quarantine (
	seq INTEGER PRIMARY KEY AUTOINCREMENT,
	source TEXT NOT NULL,
	id BLOB,
	originator TEXT NOT NULL,
	operation TEXT NOT NULL,
	kind TEXT NOT NULL,
	code TEXT NOT NULL,
	text TEXT NOT NULL,
	line INTEGER NOT NULL,
	col INTEGER NOT NULL,
	time_us INTEGER NOT NULL,
	wire BLOB NOT NULL
);
