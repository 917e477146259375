SELECT id::BIGINT AS "bodyStyle_id", frame_id, plate.car."bodyStyle"[1].name AS "Name",
    plate.car."bodyStyle"[1].confidence AS "Confidence", "createDateTime", "plateIndex", "sourceId", "sourceFile"
FROM plates
ORDER BY "createDateTime", "sourceId", frame_id, "plateIndex"
