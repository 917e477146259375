-- Every frame, those without a plate too: without them no rate can be computed.
SELECT frame_id, duration AS "durationMs", coalesce(len(plates), 0)::INTEGER AS "plateCount", "createDateTime",
    "sourceId", "sourceFile"
FROM staging
ORDER BY "createDateTime", "sourceId", frame_id
