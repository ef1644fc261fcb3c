    Table {
        name: "%snakes%",
        whose: Some("created_by = $1 OR organization_id = (SELECT id FROM organizations WHERE personal_to = $1)"),
        names: None,
        retention: Retention::Organization,
        erasure: Erasure::Overwrite,
        columns: &[
            id("id", "names the %words%"),
            id("organization_id", "the organization it belongs to"),
            personal("name", "what it is called; in a personal organization it is the user's own text")
                .erased("CASE WHEN organization_id = (SELECT id FROM organizations WHERE personal_to = $1) THEN 'Deleted' ELSE name END"),
            id("created_by", "the user who created it").erased("NULLIF(created_by, $1)"),
            personal("created_at", "when it was created"),
            operational("updated_at", "when it changed"),
            operational("version", "tells two changes apart").erased("version + 1"),
        ],
    },
