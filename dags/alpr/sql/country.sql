SELECT id::BIGINT AS "country_id", frame_id, plate.country[1].name AS "country",
    plate.country[1].state AS "countryState", plate.country[1].code AS "countryCode",
    plate.country[1].confidence AS "countryConfidence", "createDateTime", "plateIndex", "sourceId", "sourceFile"
FROM plates
ORDER BY "createDateTime", "sourceId", frame_id, "plateIndex"
