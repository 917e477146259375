SELECT id::BIGINT AS "car_id", frame_id, plate.car.color[1].name AS "color",
    plate.car."bodyStyle"[1].name AS "bodyStyle", plate.text AS "plateText",
    plate.car."makeModelYear"[1].make AS "make",
    -- Corners 0 and 2 of the vehicle's box: values 0, 1, 4 and 5.
    plate.car."warpedBox"[1] AS "warpedBoxV1", plate.car."warpedBox"[2] AS "warpedBoxV2",
    plate.car."warpedBox"[5] AS "warpedBoxV3", plate.car."warpedBox"[6] AS "warpedBoxV4",
    "createDateTime", "plateIndex", "sourceId", "sourceFile"
FROM plates
ORDER BY "createDateTime", "sourceId", frame_id, "plateIndex"
