SELECT id AS country_id, frame_id, get(plate.country, 0).name AS country, get(plate.country, 0).state AS countryState,
    get(plate.country, 0).code AS countryCode, get(plate.country, 0).confidence AS countryConfidence,
    createDateTime, plateIndex, sourceId, sourceFile
FROM plates
ORDER BY createDateTime, sourceId, frame_id, plateIndex
