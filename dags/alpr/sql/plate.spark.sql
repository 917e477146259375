SELECT id AS plate_id, frame_id, get(plate.country, 0).name AS countryName, plate.text AS plateText,
    -- Corners 0 and 2 of the plate's box.
    get(plate.warpedBox, 0) AS warpedBoxV0, get(plate.warpedBox, 1) AS warpedBoxV1,
    get(plate.warpedBox, 4) AS warpedBoxV4, get(plate.warpedBox, 5) AS warpedBoxV5,
    -- The recognizer's list: OCR first, then detection, then each character.
    get(plate.confidences, 0) AS globalConfidencev1, get(plate.confidences, 1) AS globalConfidencev2,
    createDateTime, plateIndex, sourceId, sourceFile
FROM plates
ORDER BY createDateTime, sourceId, frame_id, plateIndex
