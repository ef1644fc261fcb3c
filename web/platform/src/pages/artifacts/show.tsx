import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="show" />;

export default Page;
