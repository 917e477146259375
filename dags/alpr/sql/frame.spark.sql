-- Every frame, those without a plate too: without them no rate can be computed.
SELECT frame_id, duration AS durationMs, coalesce(size(plates), 0) AS plateCount, createDateTime, sourceId, sourceFile
FROM staging
ORDER BY createDateTime, sourceId, frame_id
