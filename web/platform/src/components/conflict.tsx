import type { Values } from "../api/forms";
import { forms as texts } from "../texts";
import { Button } from "./button";
import "./conflict.css";
import { ask, Dialog } from "./dialog";

type Conflict = {
    labels: ReadonlyMap<string, string>;
    mine: Values;
    theirs: Record<string, string>;
};

/** Shows both versions of what two people changed. Returns true if mine is to be saved. */
export const chooseVersion = async ({ labels, mine, theirs }: Conflict): Promise<boolean> => {
    const rows = [...labels]
        .filter(([name]) => name in theirs)
        .map(([name, label]) => ({ label, mine: mine.all(name).join(", "), theirs: theirs[name] ?? "" }));
    const isMine = await ask<boolean>((answer) => (
        <Dialog title={texts.conflict} onClose={() => answer(false)} wide>
            <p class="soft">{texts.conflictText}</p>
            <table class="conflict">
                <thead>
                    <tr>
                        <td />
                        <th scope="col">{texts.mine}</th>
                        <th scope="col">{texts.theirs}</th>
                    </tr>
                </thead>
                <tbody>
                    {rows.map((row) => (
                        <tr key={row.label} class={row.mine === row.theirs ? undefined : "conflict-differs"}>
                            <th scope="row">{row.label}</th>
                            <td>{row.mine || texts.empty}</td>
                            <td>{row.theirs || texts.empty}</td>
                        </tr>
                    ))}
                </tbody>
            </table>
            <div class="dialog-actions">
                <Button onClick={() => answer(false)}>{texts.takeTheirs}</Button>
                <Button look="primary" onClick={() => answer(true)}>
                    {texts.saveMine}
                </Button>
            </div>
        </Dialog>
    ));
    return isMine ?? false;
};
