SELECT id::BIGINT AS "color_id", frame_id, plate.car.color[1].name AS "Name",
    plate.car.color[1].confidence AS "Confidence", "createDateTime", "plateIndex", "sourceId", "sourceFile"
FROM plates
ORDER BY "createDateTime", "sourceId", frame_id, "plateIndex"
