import { useId } from "preact/hooks";
import { useLocation } from "preact-iso";
import "../../components/form.css";
import { navigate } from "../../navigation";
import "./organization.css";

type FilterProps = {
    /** The parameter in the address of the page. */
    name: string;
    label: string;
    /** The first one has the value "": no filter. */
    options: readonly { value: string; text: string }[];
};

/** Chooses which rows a list shows. The choice stands in the address of the page. */
export const Filter = ({ name, label, options }: FilterProps) => {
    const id = useId();
    const { path, query } = useLocation();
    const choose = (value: string) => {
        const { [name]: _, ...others } = query;
        const parameters = new URLSearchParams(value === "" ? others : { ...others, [name]: value });
        navigate(parameters.size > 0 ? `${path}?${parameters}` : path, true);
    };
    return (
        <div class="filter">
            <label for={id}>{label}</label>
            <select
                id={id}
                class="input"
                value={query[name] ?? ""}
                onChange={({ currentTarget }) => choose(currentTarget.value)}
            >
                {options.map(({ value, text }) => (
                    <option key={value} value={value}>
                        {text}
                    </option>
                ))}
            </select>
        </div>
    );
};
