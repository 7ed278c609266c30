-- Messages are settled by their ids. With the queue first, statistics of the table while it was
-- empty made the planner walk the whole queue for them; the queue stays in the key, last, because a
-- table that is partitioned by it needs that.
ALTER TABLE bus.messages DROP CONSTRAINT messages_pkey;
ALTER TABLE bus.messages ADD PRIMARY KEY (message_id, queue);
