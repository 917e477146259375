SELECT id::BIGINT AS "plate_id", frame_id, plate.country[1].name AS "countryName", plate.text AS "plateText",
    -- Corners 0 and 2 of the plate's box.
    plate."warpedBox"[1] AS "warpedBoxV0", plate."warpedBox"[2] AS "warpedBoxV1",
    plate."warpedBox"[5] AS "warpedBoxV4", plate."warpedBox"[6] AS "warpedBoxV5",
    -- The recognizer's list: OCR first, then detection, then each character.
    plate.confidences[1] AS "globalConfidencev1", plate.confidences[2] AS "globalConfidencev2",
    "createDateTime", "plateIndex", "sourceId", "sourceFile"
FROM plates
ORDER BY "createDateTime", "sourceId", frame_id, "plateIndex"
