import { useEffect, useState } from "preact/hooks";
import { Icon } from "../../components/icon";
import { artifacts as texts } from "../../texts";
import "./drop.css";

const hasFiles = ({ dataTransfer }: DragEvent): boolean => dataTransfer?.types.includes("Files") ?? false;

/** Takes files that are dropped anywhere on the page, and says so while they are above it. */
export const Drop = ({ dropped }: { dropped: (files: File[]) => void }) => {
    const [isOver, setOver] = useState(false);
    useEffect(() => {
        const stop = new AbortController();
        const { signal } = stop;
        const onDragOver = (event: DragEvent) => {
            if (!hasFiles(event)) return;
            event.preventDefault();
            setOver(true);
        };
        const onDragLeave = (event: DragEvent) => {
            // Leaving one element for another is not leaving the page.
            if (event.relatedTarget === null) setOver(false);
        };
        const onDrop = (event: DragEvent) => {
            setOver(false);
            if (!hasFiles(event)) return;
            event.preventDefault();
            dropped([...(event.dataTransfer?.files ?? [])]);
        };
        addEventListener("dragover", onDragOver, { signal });
        addEventListener("dragleave", onDragLeave, { signal });
        addEventListener("drop", onDrop, { signal });
        return () => stop.abort();
    }, [dropped]);
    return isOver ? (
        <div class="drop" aria-hidden="true">
            <div class="drop-inside">
                <Icon name="upload" />
                {texts.drop}
            </div>
        </div>
    ) : null;
};
