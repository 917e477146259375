SELECT id::BIGINT AS "makeModelYear_id", frame_id, plate.car."makeModelYear"[1].model AS "model",
    plate.car."makeModelYear"[1].make AS "make", plate.car."makeModelYear"[1].year AS "year",
    plate.car."makeModelYear"[1].confidence AS "Confidence", "createDateTime", "plateIndex", "sourceId", "sourceFile"
FROM plates
ORDER BY "createDateTime", "sourceId", frame_id, "plateIndex"
